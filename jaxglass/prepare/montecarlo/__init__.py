"""Metropolis moves of single particles and swaps of their sizes or species, in detailed balance.

noise        random numbers by the counter
change       what one move would change in the energy
board        moves in the cells of a chequered board, all active cells at once
one_by_one   the same in boxes too small for a board
"""
