"""Ensembles: any function of one sample, in chunks, over devices and processes, resumable."""
