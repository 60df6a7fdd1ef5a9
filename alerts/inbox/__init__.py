"""The on-call inbox: receives Alertmanager's notifications, keeps them, shows them, and times how long they took."""
