"""TradSys: algorithmic trading for Indian and crypto markets."""
