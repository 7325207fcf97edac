"""Other ways to do a gateway's work, each as its makers mean it, on the same broker in the same run.

Programs here run in environments of their own and import nothing of the product. Which of them there are, and how
they are measured: ``bench.peers.candidates``, ``bench.peers.trial``.
"""
