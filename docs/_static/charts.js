// A chart is drawn before the page has its final width, or while its theme is hidden: fit it whenever its width changes.
addEventListener("load", () => {
  const watch = new ResizeObserver((entries) => {
    for (const entry of entries) {
      if (entry.contentRect.width) Plotly.Plots.resize(entry.target);
    }
  });
  for (const chart of document.querySelectorAll(".js-plotly-plot")) watch.observe(chart);
});
