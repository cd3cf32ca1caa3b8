"""The One to one message: one contact's last abandoned checkout, as an e-mail ready to be sent."""
