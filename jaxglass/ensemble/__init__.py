"""Ensembles: any function of one sample, in chunks that fit memory, over devices and processes, resumable. No physics."""
