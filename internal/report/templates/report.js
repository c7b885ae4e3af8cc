"use strict";
// Draws the page's charts from the data blocks beside them. Names come from the
// scenario and may be hostile: they reach the charting library as data only,
// which draws them as text.
(function () {
  var axis = JSON.parse(document.getElementById("axis").textContent);
  var charts = [];
  var keys = []; // of all legends

  function two(n) { return (n < 10 ? "0" : "") + n; }

  // instantText is a minute of the time axis in full, for tooltips.
  function instantText(minute) {
    var m = Math.round(minute * 60) / 60;
    if (axis.midnight === null) {
      var s = Math.round(m * 60) % 60;
      return Math.floor(m / 60) + ":" + two(Math.floor(m % 60)) + (s ? ":" + two(s) : "") + " h";
    }
    var iso = new Date(axis.midnight + m * 60000).toISOString();
    return iso.slice(0, 10) + " " + iso.slice(11, iso.slice(17, 19) === "00" ? 16 : 19);
  }

  // tickText is the label of a tick; timeAxis.label in charts_axis.go does the
  // same for drawings.
  function tickText(minute) {
    if (axis.midnight === null) {
      return axis.step >= 60 ? number(minute / 60) : Math.floor(minute / 60) + ":" + two(Math.round(minute % 60));
    }
    var t = new Date(axis.midnight + minute * 60000);
    if (axis.start + axis.span > 2880 && t.getUTCHours() === 0 && t.getUTCMinutes() === 0) {
      return t.toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
    }
    return two(t.getUTCHours()) + ":" + two(t.getUTCMinutes());
  }

  function number(v) {
    return Number(v).toLocaleString("en-US", { maximumSignificantDigits: 4 });
  }

  // onTime gives a chart what an option in JSON cannot say: the labels of its
  // time axis, the figures of its tooltip, and zooming only when asked for.
  function onTime(option, unit, pile) {
    var x = option.xAxis[0];
    x.axisLabel.formatter = tickText;
    x.axisPointer = { label: { formatter: function (p) { return instantText(p.value); } } };
    option.tooltip.valueFormatter = function (v) {
      return v === null || v === undefined || Number.isNaN(v) ? "–" : number(v) + (unit ? " " + unit : "");
    };
    if (pile || option.series.some(function (s) { return s.type === "scatter"; })) {
      option.tooltip.formatter = function (all) { return ownTip(all, option.tooltip.valueFormatter, pile); };
    }
    option.dataZoom[0].zoomOnMouseWheel = "ctrl";
    option.dataZoom[0].moveOnMouseWheel = false;
    option.dataZoom[0].preventDefaultMouseMove = false;
  }

  // ownTip is the tooltip of a chart with decisions or with a pile: the lines'
  // figures, of a decision what the ledger says, of a layer its height. It is made
  // of nodes, not of markup, as reasons are free text.
  function ownTip(all, figure, pile) {
    var box = document.createElement("div");
    box.className = "tip";
    function add(text, color) {
      var row = box.appendChild(document.createElement("div"));
      if (color) { row.style.borderLeft = "3px solid " + color; }
      row.appendChild(document.createTextNode(text));
    }
    add(instantText(all[0].axisValue));
    function at(p) { return p ? p.value[p.encode.y[0]] : 0; }
    all.forEach(function (p, i) {
      var color = typeof p.borderColor === "string" ? p.borderColor : p.color;
      if (p.seriesType === "scatter") { add(p.name, color); return; }
      add(p.seriesName + ": " + figure(pile ? at(p) - at(all[i + 1]) : at(p)), color);
    });
    return box;
  }

  // onHeat labels a cell of a heat map: node, time, and its share or state.
  function onHeat(option, heat) {
    option.tooltip.formatter = function (p) {
      var box = document.createElement("div"), v = p.value[2];
      box.textContent = heat.rows[p.value[1]] + ", from " + instantText(heat.starts[p.value[0]]) + ": " + (v < 0 ? heat.states[v] : v + "% busy");
      return box;
    };
  }

  function draw(figure) {
    var block = figure.querySelector("script");
    if (!block) { return; }
    var data = JSON.parse(block.textContent);
    var chart = echarts.init(figure.querySelector(".chart"), null, { renderer: "svg" });
    data.option.tooltip.confine = true;
    data.option.tooltip.transitionDuration = 0;
    data.option.tooltip.textStyle = { fontSize: 12 };
    data.option.xAxis.concat(data.option.yAxis).forEach(function (a) { a.nameTextStyle = { color: "#2b2f36" }; });
    if (data.time) {
      onTime(data.option, data.unit, data.pile);
      chart.group = "time"; // one moment, read across all charts
    }
    if (chart.getWidth() < 480) { data.option.xAxis[0].nameTextStyle.fontSize = 10; }
    if (data.heat) { onHeat(data.option, data.heat); }
    if (!data.time && chart.getWidth() < 480) { // names were placed for a wider chart: on a phone the legend has to do
      data.option.series.forEach(function (s) { if (s.label) { s.label.show = false; } });
      [].concat(data.option.grid).forEach(function (g) { if (!g.containLabel) { g.right = 18; } });
    }
    chart.setOption(data.option);
    charts.push(chart);
    figure.querySelectorAll("button.key").forEach(function (button) {
      var key = { button: button, chart: chart, series: data.keys[Number(button.dataset.key)] };
      keys.push(key);
      button.addEventListener("click", function () {
        show(key.series[0], button.getAttribute("aria-pressed") !== "true");
      });
    });
  }

  // show switches a policy, or another line, on or off wherever it is drawn.
  function show(name, on) {
    keys.forEach(function (key) {
      if (key.series[0] !== name) { return; }
      key.button.setAttribute("aria-pressed", String(on));
      key.series.forEach(function (s) {
        key.chart.dispatchAction({ type: on ? "legendSelect" : "legendUnSelect", name: s });
      });
    });
  }

  document.querySelectorAll("figure").forEach(draw);
  echarts.connect("time");

  function resize() { charts.forEach(function (c) { c.resize(); }); }
  window.addEventListener("resize", resize);

  // Paper is narrower than the window in which the charts were laid out; with a
  // view box the style sheet can scale them as they are.
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("#summary details").forEach(function (d) { d.open = true; });
    charts.forEach(function (c) {
      var svg = c.getDom().querySelector("svg");
      svg.setAttribute("viewBox", "0 0 " + c.getWidth() + " " + c.getHeight());
    });
  });
  window.addEventListener("afterprint", function () {
    document.querySelectorAll(".chart svg").forEach(function (svg) { svg.removeAttribute("viewBox"); });
    resize();
  });
})();
