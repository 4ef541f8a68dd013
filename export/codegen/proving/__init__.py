"""The proof that C gives a runtime's bytes, when it is made and again from what lies in a folder."""
