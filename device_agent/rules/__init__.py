"""Rules of the operator's beside the model: conditions over channels that open episodes and drive outputs."""
