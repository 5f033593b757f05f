"""Who is meant: names of the operator's register, names by their form, relations and offices; scenes that deceive."""
