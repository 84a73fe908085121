"""netsim: a discrete-event simulator of federated LoRA fine-tuning over wireless networks."""

__version__ = "0.1.0"
