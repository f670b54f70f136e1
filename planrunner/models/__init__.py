"""Models: what one is (`base`), real ones through litellm, and one that plays a script."""
