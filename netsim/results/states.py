"""What UEs spend energy on."""

UE_ENERGY = {
    "compute": "compute_energy_j",
    "uplink": "uplink_energy_j",
    "broadcast": "receive_energy_j",
    "wait": "wait_energy_j",
    "idle": "idle_energy_j",
}
"""Activities that cost UEs energy, and their columns of `rounds`."""
