"""The record of a run: types, reading, writing. All that harness and reports share."""
