//! The other side of Field Nation, acted by the sandbox: providers who do the work, and buyers at the screen.

use std::sync::Arc;

use bytes::Bytes;

use super::FieldNation;
use super::backend::{Actor, Backend, Consequences};
use super::company::{self, PROVIDERS, Person};
use super::lifecycle::{self, Move};
use super::parts::{self, Author, Upload, Words};
use super::problem::Problem;
use super::work_order::{Side, Status, WorkOrder};
use crate::model::EventName;

/// Why somebody could not do what they were told to do.
#[derive(Debug, thiserror::Error)]
#[error("work order {work_order}: {why}")]
pub struct ActProblem {
    work_order: u64,
    why: String,
}

type Acted = Result<(), ActProblem>;

/// A file that somebody uploads.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// What is in it.
    pub content: Bytes,
}

impl FieldNation {
    /// A buyer publishes a draft.
    ///
    /// # Errors
    /// [`ActProblem`] when the work order does not exist or its status does not allow it; so for all of these.
    pub fn publish(&self, id: u64) -> Acted {
        self.step(id, buyer(), lifecycle::publish)
    }

    /// A provider is assigned; which one depends on the work order's id.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn assign(&self, id: u64) -> Acted {
        let provider = usual_provider(id);
        self.step(id, Actor::person(provider), |step| {
            lifecycle::assign(step, provider)
        })
    }

    /// The provider confirms.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn confirm(&self, id: u64) -> Acted {
        self.step(id, provider(id), lifecycle::confirm)
    }

    /// The provider sets out.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn on_my_way(&self, id: u64) -> Acted {
        self.step(id, provider(id), lifecycle::on_my_way)
    }

    /// The provider will be late.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn delay(&self, id: u64) -> Acted {
        self.step(id, provider(id), lifecycle::delay)
    }

    /// The vendor marks the work order as at risk.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn put_at_risk(&self, id: u64) -> Acted {
        self.step(id, provider(id), lifecycle::put_at_risk)
    }

    /// The provider checks in.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn check_in(&self, id: u64) -> Acted {
        self.step(id, provider(id), lifecycle::check_in)
    }

    /// The provider checks out.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn check_out(&self, id: u64) -> Acted {
        self.step(id, provider(id), lifecycle::check_out)
    }

    /// The provider marks the work as done.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn work_done(&self, id: u64, closing_notes: &str) -> Acted {
        self.step(id, provider(id), |step| {
            lifecycle::finish(step, closing_notes)
        })
    }

    /// A buyer approves.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn approve(&self, id: u64) -> Acted {
        self.step(id, buyer(), lifecycle::approve)
    }

    /// The provider is paid.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn pay_out(&self, id: u64) -> Acted {
        self.step(id, buyer(), lifecycle::pay_out)
    }

    /// A buyer cancels; a draft is deleted.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn cancel(&self, id: u64) -> Acted {
        self.step(id, buyer(), lifecycle::cancel)
    }

    /// A buyer postpones.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn postpone(&self, id: u64) -> Acted {
        self.step(id, buyer(), lifecycle::postpone)
    }

    /// A provider declines.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn decline(&self, id: u64) -> Acted {
        self.announce(id, EventName::Declined)
    }

    /// A provider asks for the work.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn request(&self, id: u64) -> Acted {
        self.announce(id, EventName::Requested)
    }

    /// The provider posts a message.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn post_message(&self, id: u64, text: &str) -> Acted {
        let now = self.backend().now();
        let author = provider_author(id);
        self.act(id, author.actor, |order, consequences| {
            let words = Words {
                kind: "TECHTOMANAGER",
                text,
                parent: None,
            };
            parts::say(order, consequences, author, &words, now);
            Ok(())
        })
    }

    /// The provider uploads a deliverable.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn upload(&self, id: u64, file: NewFile) -> Acted {
        let now = self.backend().now();
        let author = provider_author(id);
        self.act(id, author.actor, |order, consequences| {
            let folder = order.folders.last().map_or(0, |folder| folder.id);
            let upload = Upload {
                name: file.name,
                mime: file.mime,
                notes: String::new(),
                content: file.content,
            };
            parts::store(order, consequences, author, folder, upload, now)
        })
    }

    /// The provider fills in a custom field.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`]; also when the field does not exist or does not take the value.
    pub fn set_custom_field(&self, id: u64, field: u64, value: &str) -> Acted {
        let actor = provider(id);
        self.act(id, actor, |order, consequences| {
            let missing = || Problem::invalid(format!("custom field {field} does not exist"));
            let field = company::custom_field(field).ok_or_else(missing)?;
            parts::set_custom_value(order, consequences, actor, field, value)
        })
    }

    /// The provider reports a problem.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn report_problem(&self, id: u64, comments: &str) -> Acted {
        let now = self.backend().now();
        self.act(id, provider(id), |order, consequences| {
            parts::report(order, consequences, comments.to_owned(), now);
            Ok(())
        })
    }

    /// All open problems are resolved.
    ///
    /// # Errors
    /// [`ActProblem`], see [`Self::publish`].
    pub fn resolve_problems(&self, id: u64) -> Acted {
        self.act(id, buyer(), |order, consequences| {
            for problem in order
                .problems
                .iter_mut()
                .filter(|problem| !problem.is_resolved)
            {
                problem.is_resolved = true;
                consequences.fire(EventName::ProblemResolved);
            }
            Ok(())
        })
    }

    /// The status of a work order; `None` when it does not exist.
    #[must_use]
    pub fn status_of(&self, id: u64) -> Option<Status> {
        self.backend().order(id).ok().map(|order| order.status)
    }

    fn announce(&self, id: u64, event: EventName) -> Acted {
        self.act(id, provider(id), |_, consequences| {
            consequences.fire(event);
            Ok(())
        })
    }

    fn step(
        &self,
        id: u64,
        actor: Actor,
        step: impl FnOnce(Move<'_>) -> Result<(), Problem>,
    ) -> Acted {
        let now = self.backend().now();
        self.act(id, actor, |order, consequences| {
            step(Move {
                order,
                consequences,
                actor,
                now,
            })
        })
    }

    fn act(
        &self,
        id: u64,
        actor: Actor,
        act: impl FnOnce(&mut WorkOrder, &mut Consequences) -> Result<(), Problem>,
    ) -> Acted {
        let backend: &Arc<Backend> = self.backend();
        let acted = backend.change(id, actor, act);
        acted.map(|_| ()).map_err(|problem| ActProblem {
            work_order: id,
            why: problem.to_string(),
        })
    }
}

fn buyer() -> Actor {
    Actor::person(company::MANAGERS[1])
}

/// The provider who always takes this work order.
fn usual_provider(id: u64) -> Person {
    let count = PROVIDERS.len() as u64;
    let index = usize::try_from(id % count).unwrap_or_default();
    PROVIDERS[index]
}

fn provider(id: u64) -> Actor {
    Actor::person(usual_provider(id))
}

fn provider_author(id: u64) -> Author {
    let person = usual_provider(id);
    Author {
        person,
        side: Side::Provider,
        actor: Actor::person(person),
    }
}
