"""What may be said of people: a range by a stated route, or the reason why there is none."""
