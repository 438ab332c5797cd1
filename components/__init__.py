"""What the platform is made of: one component per capability, one capability per module."""
