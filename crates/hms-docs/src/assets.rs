//! The files behind pages, compiled in as they travel: the large ones compressed.

use std::hash::{DefaultHasher, Hasher};
use std::sync::OnceLock;

use actix_web::http::header::{self, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse};

/// A file behind a page.
pub struct Asset {
    /// Its name in the folder of the assets.
    pub name: &'static str,
    content_type: &'static str,
    gzip: bool,
    body: &'static [u8],
    tag: OnceLock<String>,
}

/// The content type of a script.
pub const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
/// The content type of a style.
pub const CSS: &str = "text/css; charset=utf-8";

/// Every file that the pages of the documentation name.
pub static ALL: [Asset; 5] = [
    Asset::compressed(
        "swagger-ui-bundle.js",
        JAVASCRIPT,
        include_bytes!("../assets/swagger-ui-bundle.js.gz"),
    ),
    Asset::compressed("swagger-ui.css", CSS, include_bytes!("../assets/swagger-ui.css.gz")),
    Asset::compressed("redoc.standalone.js", JAVASCRIPT, include_bytes!("../assets/redoc.standalone.js.gz")),
    Asset::plain("swagger-ui-init.js", JAVASCRIPT, include_bytes!("../assets/swagger-ui-init.js")),
    Asset::plain("pages.css", CSS, include_bytes!("../assets/pages.css")),
];

impl Asset {
    /// A file that is compressed by gzip already.
    pub const fn compressed(name: &'static str, content_type: &'static str, body: &'static [u8]) -> Self {
        Self { name, content_type, gzip: true, body, tag: OnceLock::new() }
    }

    /// A file as it is.
    pub const fn plain(name: &'static str, content_type: &'static str, body: &'static [u8]) -> Self {
        Self { name, content_type, gzip: false, body, tag: OnceLock::new() }
    }

    /// A tag of the content rather than of a version number, which somebody would have to keep in step.
    fn tag(&self) -> EntityTag {
        let tag = self.tag.get_or_init(|| {
            let mut hasher = DefaultHasher::new();
            hasher.write(self.body);
            format!("{:016x}", hasher.finish())
        });
        EntityTag::new_strong(tag.clone())
    }
}

/// Answers with the file, or with 304 when the client has it already.
///
/// A compressed file is sent compressed to everybody: every browser takes gzip, and unpacking it for the
/// others would need a second copy.
pub async fn respond(asset: &'static Asset, request: HttpRequest) -> HttpResponse {
    let tag = asset.tag();
    let fresh = is_fresh(&request, &tag);
    let mut response = if fresh { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header(ETag(tag))
        // Ask each time: a 304 is small, and after an update script and style must be of one version.
        .insert_header((header::CACHE_CONTROL, "public, no-cache"))
        .insert_header((header::VARY, "Accept-Encoding"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if fresh {
        return response.finish();
    }
    if asset.gzip {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    response.content_type(asset.content_type).body(asset.body)
}

fn is_fresh(request: &HttpRequest, tag: &EntityTag) -> bool {
    if !request.headers().contains_key(header::IF_NONE_MATCH) {
        return false;
    }
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}
