"""What the handlers share: tables, mail, files, text service, sample data. It registers nothing."""
