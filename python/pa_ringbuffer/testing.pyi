from ._native import VirtualDevice as VirtualDevice

__all__ = ["VirtualDevice"]
