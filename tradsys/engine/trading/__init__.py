"""The live core: everything a trading process decides, as one fold over what its journal holds."""
