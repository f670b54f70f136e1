"""Who carries runs. `base` says what a dispatcher does; `local` is the default."""
