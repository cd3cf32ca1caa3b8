"""Nodes: the places where contacts enter a flow, which is an automation outside this project."""
