"""What Sightline can carry, measured. Each script here explains itself; ``make bench`` runs them all."""
