"""What is known of an alert now: for the terminal (`make why a=NAME`) and for the inbox's page."""
