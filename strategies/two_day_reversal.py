"""An example: buy weakness in a rising market, sell the first strength."""

from tradsys import ROC, SMA, Param, Strategy


class TwoDayReversal(Strategy):
    """Buy after two falling closes in a row above the long mean; sell at the first rising one."""

    trend: int = Param(50, low=10, high=300, doc="bars of the long mean")

    def on_start(self, ctx):
        self.mean = ctx.indicator(SMA(self.trend))
        self.change = ctx.indicator(ROC(1))  # in percent, so that a bonus issue is no fall
        self.falls = 0

    def on_bar(self, bar, account):
        self.falls = self.falls + 1 if self.change.value < 0 else 0
        if self.change.value > 0:
            yield self.signal(bar, 0, reason="a rising close")
        elif self.falls >= 2 and self.mean.ready and bar.close > self.mean.value:
            yield self.signal(bar, 1, reason="two falling closes in a rising market")

    def state(self):
        return {"falls": self.falls}

    def restore(self, state):
        self.falls = state["falls"]
