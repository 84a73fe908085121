"""How UEs and server step: what optimisers change of federated averaging, in any scheme."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ServerSteps:
    """How the server steps along the average of what arrives (learning/aggregation/server_step)."""

    optimizer: str = "average"  # average (steps as they are), fedavgm, fedadam or fedyogi
    rate: float = 1.0  # eta
    beta1: float = 0.9  # of the mean, or of the momentum
    beta2: float = 0.99  # of the squares
    adaptivity: float = 1e-3  # tau
    bias_correction: bool = False

    @property
    def plain(self) -> bool:
        """The steps of federated averaging."""
        return self.optimizer == "average" and self.rate == 1.0


@dataclass(frozen=True)
class Optimisation:
    """What optimisers a run has; the default is federated averaging."""

    server: ServerSteps = ServerSteps()
    prox_weight: float = 0.0  # mu of FedProx, of |w - w_downloaded|^2 / 2 in UEs' losses
    control_variates: bool = False  # SCAFFOLD's, which go down and up beside the modules

    @property
    def merges(self) -> bool:
        """It changes what is made of the uploads."""
        return self.control_variates or not self.server.plain


FEDERATED_AVERAGING = Optimisation()
