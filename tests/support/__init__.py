"""What several tests need: the seams of the package, one fake clock, one set of builders, odd servers.

Black-box tests reach nothing inside the package but through here.
"""
