"""The words that every room shares: no input or output, no web, database or model library.

`request` what is asked · `signal` what was observed, or is missing · `facts` what is known without looking ·
`decision` what was decided, and why · `category` the kinds of harm · `limits` every bound · `errors` the error tree.
"""
