"""What is refused, and why: rules as text, a pure decision, an explanation that a person can read.

`load` text to a Policy, with every defect found · `document` its keys and values · `restore` a stored Policy ·
`model` the Policy · `condition` one CEL condition, checked · `environment` the names a condition may use ·
`reach` what can never be true · `decide` the pure function · `values` the numbers it sees · `explain` why, in words ·
`default.toml` the rules · `profiles/` operators' choices.

No input or output here, except that `load` opens the packaged rules; no account tier anywhere.
"""
