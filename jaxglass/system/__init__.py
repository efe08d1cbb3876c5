"""Boxes, glasses, bond lists."""
