"""Any number of images become one table."""
