"""Under which addresses browsers find single services, where a proxy stands in front of them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from settings.basic import OriginOrNone, Section


class PublicUrls(Section, frozen=True):
    """Services that a proxy of yours shows under an address of their own, for example https://inbox.example.org; no path."""

    # No path: browsers would have to be told apart by it, and Prometheus would move all its addresses.

    grafana: Annotated[OriginOrNone, Meta(description="Grafana, or the built-in preview.")] = ""
    prometheus: Annotated[OriginOrNone, Meta(description="Prometheus.")] = ""
    alertmanager: Annotated[OriginOrNone, Meta(description="Alertmanager.")] = ""
    inbox: Annotated[OriginOrNone, Meta(description="The on-call inbox: every notification links to it.")] = ""
    stream: Annotated[OriginOrNone, Meta(description="The stream server.")] = ""

    def given(self) -> dict[str, str]:
        """Service to address, of those that have one."""
        return {name: url for name in self.__struct_fields__ if (url := getattr(self, name))}
