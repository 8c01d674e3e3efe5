"""The lane of streams: consumer groups that lose nothing, steal nothing, and can be watched."""
