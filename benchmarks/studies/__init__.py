"""Programs that anyone can run to repeat a measured claim; unlike the rest, they may import everything."""
