(function () {
  "use strict";
  var figures = JSON.parse(document.getElementById("figures").textContent);
  var money = JSON.parse(document.getElementById("money").textContent);
  Plotly.register({ moduleType: "locale", name: "account", dictionary: {},
    format: { grouping: money.grouping, currency: [money.sign, ""], decimal: ".", thousands: "," } });
  Plotly.setPlotConfig({ locale: "account", displayModeBar: false, responsive: true });

  function colours() {
    var style = getComputedStyle(document.documentElement);
    function of(name) { return style.getPropertyValue(name).trim(); }
    return { ink: of("--ink"), soft: of("--soft"), grid: of("--grid"), card: of("--card"), line: of("--line"),
      family: getComputedStyle(document.body).fontFamily };
  }
  function themed() {
    var c = colours();
    return { "font.color": c.soft, "font.family": c.family, "font.size": 12, "xaxis.gridcolor": c.grid,
      "yaxis.gridcolor": c.grid, "xaxis.zerolinecolor": c.line, "yaxis.zerolinecolor": c.line,
      "hoverlabel.bgcolor": c.card, "hoverlabel.bordercolor": c.line, "hoverlabel.font.color": c.ink };
  }
  function paint(element) {
    var maps = [];
    element.data.forEach(function (trace, index) { if (trace.type === "heatmap") { maps.push(index); } });
    if (maps.length) { Plotly.restyle(element, { "textfont.color": colours().ink }, maps); }
    return Plotly.relayout(element, themed());
  }
  function drawn() { return Array.prototype.filter.call(document.querySelectorAll(".chart"), function (e) { return e.data; }); }
  function draw(element) {
    var figure = figures[element.id];
    if (!figure || element.data) { return; }
    Plotly.newPlot(element, figure.data, figure.layout).then(paint);
  }
  function recolour() { drawn().forEach(paint); }

  Array.prototype.forEach.call(document.querySelectorAll(".chart"), function (element) {
    var fold = element.closest("details");
    if (fold && !fold.open) {
      fold.addEventListener("toggle", function () { if (fold.open) { draw(element); } });
    } else {
      draw(element);
    }
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  window.matchMedia("print").addEventListener("change", recolour);
})();
