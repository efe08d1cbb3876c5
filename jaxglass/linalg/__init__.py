"""Linear algebra that sees matrix-vector products and blocks, and knows no physics."""
