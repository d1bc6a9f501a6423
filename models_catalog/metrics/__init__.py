"""Measurements in real traffic, provided by the apps above this one."""
