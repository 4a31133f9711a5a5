"""Any number of pictures become one table."""
