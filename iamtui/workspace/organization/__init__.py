"""An organization store: snapshots of many accounts by day, work over them, ways between them."""
