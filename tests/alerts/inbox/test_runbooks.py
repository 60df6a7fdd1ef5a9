from pathlib import Path

from alerts.inbox.runbooks import Runbooks

TEXT = """<!-- generated -->
# Disk *full* soon

<script>alert(1)</script> and [a link](javascript:alert(1)) and [a good one](https://example.org)

| check | how |
|---|---|
| space | `df -h` |
"""


def test_markdown_becomes_a_safe_page(tmp_path: Path) -> None:
    (tmp_path / "DiskFull.md").write_text(TEXT)
    found = Runbooks(tmp_path).find("DiskFull")
    assert found is not None
    assert found.title == "Disk *full* soon"
    assert "<td><code>df -h</code></td>" in found.html
    assert "&lt;script&gt;" in found.html
    assert "generated" not in found.html
    assert "<script" not in found.html
    assert 'href="javascript' not in found.html
    assert '<a href="https://example.org">' in found.html


def test_only_names_of_alerts_are_looked_up(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("x")
    folder = tmp_path / "runbooks"
    folder.mkdir()
    (folder / "Good.md").write_text("no heading")
    (folder / "bad name.md").write_text("x")
    books = Runbooks(folder)
    assert books.names() == ["Good"]
    good = books.find("Good")
    assert good is not None
    assert good.title == "Good"
    assert [books.find(name) for name in ("../secret", "", ".", "bad name", "Good.md", "x" * 500)] == [None] * 6


def test_a_missing_folder_has_no_runbooks(tmp_path: Path) -> None:
    assert Runbooks(tmp_path / "none").names() == []
