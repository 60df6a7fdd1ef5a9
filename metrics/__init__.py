"""Every metric of the appliance, declared once. Standard library only (`expose.py` alone knows prometheus_client)."""
