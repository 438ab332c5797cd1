"""The same where no table spans regions: one region is home at a time, and home can be moved."""
