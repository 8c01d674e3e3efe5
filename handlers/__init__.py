"""The application: one function for each message type, in a file named like the message's."""
