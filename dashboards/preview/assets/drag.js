// What a mouse does on a chart: a drag zooms in, a double click zooms out.
"use strict";
(function (WF) {
  const LEAST = 10; // px; a shorter way is a click
  const LEAST_TIME = 1000; // ms

  // A drag chooses a range. Dygraphs's own zoom would first draw what it has, rows outside of the window included.
  function drag(chart, down) {
    if (down.button !== 0) return;
    down.preventDefault();
    const { left } = chart.frame.getBoundingClientRect();
    const area = chart.area();
    const inside = (event) => Math.min(area.x + area.w, Math.max(area.x, event.clientX - left));
    const begin = inside(down);
    const edges = (event) => [begin, inside(event)].sort((a, b) => a - b);
    const move = (event) => {
      const [from, to] = edges(event);
      chart.band.hidden = to - from < LEAST;
      chart.band.style.left = `${from}px`;
      chart.band.style.width = `${to - from}px`;
    };
    const up = (event) => {
      document.removeEventListener("mousemove", move);
      document.removeEventListener("mouseup", up);
      chart.band.hidden = true;
      const [from, to] = edges(event);
      const [start, end] = [from, to].map((edge) => Math.round(chart.timeOf(edge)));
      if (to - from >= LEAST && end - start >= LEAST_TIME) chart.onZoom(start, end);
    };
    document.addEventListener("mousemove", move);
    document.addEventListener("mouseup", up);
  }

  function zoomOut(chart) {
    const width = chart.data.to - chart.data.from;
    chart.onZoom(Math.round(chart.data.from - width / 2), Math.round(chart.data.to + width / 2));
  }

  // Dygraphs's own model also takes touches, and then a page of charts cannot be scrolled with a finger.
  WF.interaction = (chart) => ({
    mousedown: (event) => drag(chart, event),
    willDestroyContextMyself: true,
    dblclick: () => zoomOut(chart),
  });
  WF.drag = drag;
  WF.zoomOut = zoomOut;
})((window.WF = window.WF || {}));
