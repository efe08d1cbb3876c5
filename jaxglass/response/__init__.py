"""Linear response: elastic moduli, stiffness against force dipoles."""
