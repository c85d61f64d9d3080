// Starts Swagger UI on the specification that the page names.
window.addEventListener("load", () => {
  const place = document.getElementById("swagger-ui");
  SwaggerUIBundle({
    domNode: place,
    url: place.dataset.specUrl,
    deepLinking: true,
    displayRequestDuration: true,
    // Nothing about this installation is sent to a validator on the internet.
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
  });
});
