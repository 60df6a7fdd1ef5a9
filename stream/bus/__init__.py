"""What joins stream servers: Redis Streams give one order and one numbering, leases tell who runs which source."""
