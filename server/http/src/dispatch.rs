//! From a request to its answer: limits, who asks, what it may do, and then the route's own work. No route goes around this.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::http::header::{ALLOW, AUTHORIZATION};
use axum::http::{HeaderValue, StatusCode};
use axum::routing::{MethodFilter, MethodRouter, on};
use protocol::routes::{Access, Method, Route};
use protocol::{Collection, DeviceId, Error, Token};

use crate::answer::{self, Answer};
use crate::context::{Caller, Context};
use crate::shared::Shared;
use crate::{blobs, chunks, data, events, management, open};

/// Returns the router of every route in the table.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    let mut paths: Vec<&str> = Route::ALL.iter().map(|route| route.template()).collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        let routes = || Route::ALL.iter().copied().filter(move |route| route.template() == path);
        let methods = routes().fold(MethodRouter::new(), |methods, route| {
            let shared = Arc::clone(shared);
            let handle = move |parameters: RawPathParams, request: Request| take(shared, route, parameters, request);
            methods.merge(on(filter(route.method()), handle))
        });
        let allowed = routes().map(|route| route.method().as_str()).collect::<Vec<_>>().join(", ");
        let denied = Arc::clone(shared);
        router = router.route(path, methods.fallback(move |request: Request| refuse_method(denied, allowed.clone(), request)));
    }
    let lost = Arc::clone(shared);
    router.fallback(move |request: Request| refuse_path(lost, request))
}

fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    }
}

async fn refuse_method(shared: Arc<Shared>, allowed: String, request: Request) -> Answer {
    let error = Error::NotAllowed(format!("this path knows {allowed}, not {}", request.method()));
    let mut answer = refuse(&shared, None, &error, Instant::now());
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        answer.headers_mut().insert(ALLOW, allowed);
    }
    answer
}

async fn refuse_path(shared: Arc<Shared>, _request: Request) -> Answer {
    refuse(&shared, None, &Error::NotFound("this path".into()), Instant::now())
}

fn refuse(shared: &Shared, route: Option<Route>, error: &Error, begin: Instant) -> Answer {
    let answer = answer::problem(error, &*shared.log);
    shared.metrics.answered(route, answer.status().as_u16(), begin.elapsed());
    answer
}

async fn take(shared: Arc<Shared>, route: Route, parameters: RawPathParams, request: Request) -> Answer {
    let begin = Instant::now();
    // A panic would be a bug; it costs one request and not the server.
    let task = tokio::spawn({
        let shared = Arc::clone(&shared);
        async move { answer(shared, route, parameters, request).await }
    });
    match task.await {
        Ok(Ok(answer)) => {
            shared.metrics.answered(Some(route), answer.status().as_u16(), begin.elapsed());
            answer
        }
        Ok(Err(error)) => refuse(&shared, Some(route), &error, begin),
        Err(panic) => refuse(&shared, Some(route), &Error::Failed(panic.to_string()), begin),
    }
}

async fn answer(shared: Arc<Shared>, route: Route, parameters: RawPathParams, request: Request) -> Result<Answer, Error> {
    let (parts, body) = request.into_parts();
    let parameters = parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut context = Context { shared, parts, parameters, caller: None };
    // Whoever waits holds no place: waiting is cheap, and bounded by the connections.
    let waits = route == Route::Events || context.parts.uri.query().is_some_and(|query| query.contains("wait="));
    let _place = if waits { None } else { Some(context.shared.gates.request()?) };
    if route.access() == Access::Open {
        context.shared.gates.stranger(address(&context))?;
    } else {
        context.caller = Some(authorise(&context, route).await?);
    }
    work(context, route, body).await
}

fn address(context: &Context) -> IpAddr {
    context.parts.extensions.get::<SocketAddr>().map_or(IpAddr::from([0, 0, 0, 0]), SocketAddr::ip)
}

/// Finds out who asks, and whether it may. An append looks at rights in its own transaction, and nowhere else.
async fn authorise(context: &Context, route: Route) -> Result<Caller, Error> {
    let shared = &context.shared;
    let device = token(context).and_then(|token| {
        let known = shared.tokens.device(&token, shared.clock.now());
        known.ok_or_else(|| Error::Unauthenticated("the token is unknown or has ended; show again who you are".into()))
    });
    let device: DeviceId = match device {
        Ok(device) => device,
        Err(error) => {
            shared.gates.stranger(address(context))?;
            return Err(error);
        }
    };
    shared.gates.device(&device)?;
    shared.heard_of(device);
    let collection: Option<Collection> = match route.access() {
        Access::Read | Access::Write | Access::Admin => Some(context.collection()?),
        Access::Open | Access::Device | Access::Administrator => None,
    };
    if route == Route::Append {
        return Ok(Caller { device, authorised: None });
    }
    let access = route.access();
    let authorised = shared.blocking(move |store| store.authorise(&device, access, collection.as_ref())).await?;
    Ok(Caller { device, authorised: Some(authorised) })
}

fn token(context: &Context) -> Result<Token, Error> {
    let none = || Error::Unauthenticated("a token is needed: `Authorization: Bearer TOKEN`".into());
    let header = context.parts.headers.get(AUTHORIZATION).ok_or_else(none)?.to_str().map_err(|_| none())?;
    let (scheme, token) = header.split_once(' ').ok_or_else(none)?;
    let token = if scheme.eq_ignore_ascii_case("bearer") { token.trim().parse().ok() } else { None };
    token.ok_or_else(none)
}

#[expect(clippy::cognitive_complexity, reason = "it is a table, one row a route")]
async fn work(context: Context, route: Route, body: Body) -> Result<Answer, Error> {
    match route {
        Route::Page | Route::OpenApi | Route::Healthz | Route::Readyz | Route::Metrics | Route::About => open::show(&context, route).await,
        Route::Enroll => open::enroll(&context, body).await,
        Route::Challenge => open::challenge(&context, body).await,
        Route::Token => open::token(&context, body).await,
        Route::Head => data::head(&context).await,
        Route::Place => data::place(&context).await,
        Route::Read => data::read(&context).await,
        Route::Append => data::append(&context, body).await,
        Route::Find => data::find(&context, body).await,
        Route::Arrived => data::arrived(&context, body).await,
        Route::GetSnapshot => data::snapshot(&context).await,
        Route::PutSnapshot => data::put_snapshot(&context, body).await,
        Route::Events => events::events(&context).await,
        Route::MissingBlobs => blobs::missing(&context, body).await,
        Route::GetBlob => blobs::get(&context).await,
        Route::PutBlob => blobs::put(&context, body).await,
        Route::MissingChunks => chunks::missing(&context, body).await,
        Route::GetChunks => chunks::get(&context, body).await,
        Route::PutChunks => chunks::put(&context, body).await,
        Route::GetRecipe => chunks::recipe(&context).await,
        Route::PutRecipes => chunks::put_recipes(&context, body).await,
        _ => management::work(&context, route, body).await,
    }
}

/// The status of a page in the answer to an append: the head moved.
pub(crate) const STALE: StatusCode = StatusCode::CONFLICT;
