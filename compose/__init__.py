"""Runs the appliance: one topology, rendered for the runtime that is there."""
