"""Rekindle: bring Spark Core and Particle Photon boards back to life."""
