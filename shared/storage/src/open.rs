//! Opening a unit: what is wanted is locked and loaded, in few trips to the database.
//!
//! What is asked for is looked up one by one (`CROSS JOIN LATERAL … LIMIT 1`): a join would be
//! planned to read the whole table while that is new. Where every event asks, the lists come by way
//! of `(SELECT $1)`: a plan for lists of any length is then as good as one for this length, so it is
//! kept; planning anew takes longer than looking up.

use crate::{
    audit::ChainEnd,
    error::{Result, Sorted},
    occupancy, row,
    store::{Loaded, PgStore, PgUnit},
};
use oss_domain::{
    ApprovalId, AuthorityCode, ConditionId, DeadlineId, HoldId, PlacementId, RunId, SettingId,
};
use oss_workflow::{
    EventKey, ReferralHead, ReferralKey, RunHead, SettingHead, SettingKey, SupplyVersion, Unit,
    Wanted,
};
use sqlx::{PgConnection, Postgres, Transaction};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

impl PgStore {
    pub(crate) async fn open_unit(&self, wanted: &Wanted) -> Result<(Unit, PgUnit)> {
        if is_by_name(wanted)
            && let Some(opened) = self.open_new(wanted).await?
        {
            return Ok(opened);
        }
        self.open_in(self.pool.begin().await.sorted()?, wanted)
            .await
    }

    /// Opens a unit that wants nothing that is there yet: without locks, since there is nothing to
    /// lock, and so without a transaction. `None` where a referral is there.
    async fn open_new(&self, wanted: &Wanted) -> Result<Option<(Unit, PgUnit)>> {
        let mut conn = self.conn().await?;
        let mut unit = Unit::default();
        if !look_up(&mut conn, wanted, &mut unit).await?.is_empty() {
            return Ok(None);
        }
        let keys = self.referral_keys.take(&mut conn, wanted.referrals.len());
        unit.spare_referral_keys = keys.await?.into_iter().map(ReferralKey).collect();
        let opened = PgUnit {
            transaction: None,
            registers: BTreeSet::new(),
            referrals: HashMap::new(),
        };
        Ok(Some((unit, opened)))
    }

    /// Opens a unit in a transaction that has begun.
    pub(crate) async fn open_in(
        &self,
        mut transaction: Transaction<'static, Postgres>,
        wanted: &Wanted,
    ) -> Result<(Unit, PgUnit)> {
        let conn = &mut *transaction;
        let mut unit = Unit::default();

        // The order of locks that all units keep to: registers, then referrals.
        let mut named = find_named(conn, wanted).await?;
        let settings: BTreeSet<_> = wanted.settings.union(&wanted.closing).cloned().collect();
        named
            .authorities
            .extend(settings.iter().map(|(authority, _)| *authority));
        lock_registers(conn, &named.authorities, &mut unit).await?;
        load_settings(conn, &settings, &named.settings, &mut unit).await?;
        // Under the register's lock, so nobody takes a place there in between.
        named
            .referrals
            .extend(occupiers(conn, wanted, &unit).await?);
        let referrals = load_referrals(conn, wanted, named.referrals, &mut unit).await?;
        load_documents(conn, &mut unit).await?;
        // To be relied on for a change, these need the register's lock; to be read, the referral's.
        let heads = unit.referrals.values();
        let told = heads
            .filter(|head| wanted.life || named.authorities.contains(&head.authority))
            .map(|head| head.key)
            .collect();
        load_occupancies(conn, wanted, &told, &mut unit).await?;
        self.load_life(conn, &told, &mut unit).await?;

        let known = |at| unit.referrals.contains_key(at);
        let new = wanted.referrals.iter().filter(|at| !known(*at)).count();
        let keys = self.referral_keys.take(conn, new).await?;
        unit.spare_referral_keys = keys.into_iter().map(ReferralKey).collect();
        let known = |at| unit.settings.contains_key(at);
        let new = settings.iter().filter(|at| !known(*at)).count();
        let keys = self.setting_keys.take(conn, new).await?;
        unit.spare_setting_keys = keys.into_iter().map(SettingKey).collect();
        Ok((
            unit,
            PgUnit {
                transaction: Some(transaction),
                registers: named.authorities,
                referrals,
            },
        ))
    }
}

/// Whether only events and referrals are wanted, by the names that their senders gave them.
fn is_by_name(wanted: &Wanted) -> bool {
    // Each by its name, so that what is added is thought of here.
    let Wanted {
        events: _,
        referrals: _,
        life: _,
        referral_keys,
        settings,
        setting_keys,
        closing,
        holds,
        placements,
        approvals,
        conditions,
        deadlines,
        places,
    } = wanted;
    !places
        && referral_keys.is_empty()
        && settings.is_empty()
        && setting_keys.is_empty()
        && closing.is_empty()
        && holds.is_empty()
        && placements.is_empty()
        && approvals.is_empty()
        && conditions.is_empty()
        && deadlines.is_empty()
}

/// What is named by keys and ids that never change their meaning, so may be looked up before the
/// locks.
#[derive(Default)]
struct Named {
    authorities: BTreeSet<AuthorityCode>,
    settings: BTreeSet<i64>,
    referrals: BTreeSet<i64>,
}

async fn find_named(conn: &mut PgConnection, wanted: &Wanted) -> Result<Named> {
    let mut named = Named {
        settings: wanted.setting_keys.iter().map(|key| key.0).collect(),
        referrals: wanted.referral_keys.iter().map(|key| key.0).collect(),
        ..Named::default()
    };
    if wanted.places {
        named
            .authorities
            .extend(wanted.referrals.iter().map(|(authority, _)| *authority));
    }
    let keys_only = wanted.holds.is_empty()
        && wanted.placements.is_empty()
        && wanted.approvals.is_empty()
        && wanted.conditions.is_empty()
        && wanted.deadlines.is_empty();
    let places = wanted.places && !wanted.referral_keys.is_empty();
    if keys_only && wanted.setting_keys.is_empty() && !places {
        return Ok(named);
    }
    let settings: Vec<_> = named.settings.iter().copied().collect();
    let referrals: Vec<_> = named
        .referrals
        .iter()
        .copied()
        .filter(|_| wanted.places)
        .collect();
    let rows = sqlx::query!(
        r#"SELECT authority AS "authority!", NULL::bigint AS setting_key, NULL::bigint AS referral_key
             FROM setting WHERE key = ANY ($1)
           UNION SELECT authority, NULL, NULL FROM referral WHERE key = ANY ($2)
           UNION SELECT authority, setting_key, referral_key FROM occupancy WHERE hold_id = ANY ($3)
           UNION SELECT authority, setting_key, referral_key FROM placement
             WHERE placement_id = ANY ($4)
           UNION SELECT authority, NULL, referral_key FROM approval WHERE approval_id = ANY ($5)
           UNION SELECT authority, NULL, referral_key FROM deadline WHERE deadline_id = ANY ($6)
           UNION SELECT authority, NULL, referral_key FROM condition WHERE condition_id = ANY ($7)"#,
        &settings,
        &referrals,
        &uuids(&wanted.holds, HoldId::into_uuid),
        &uuids(&wanted.placements, PlacementId::into_uuid),
        &uuids(&wanted.approvals, ApprovalId::into_uuid),
        &uuids(&wanted.deadlines, DeadlineId::into_uuid),
        &uuids(&wanted.conditions, ConditionId::into_uuid),
    )
    .fetch_all(conn)
    .await
    .sorted()?;
    for row in rows {
        named
            .authorities
            .insert(row::parse("authority", &row.authority)?);
        named.settings.extend(row.setting_key);
        named.referrals.extend(row.referral_key);
    }
    Ok(named)
}

fn uuids<T: Copy>(ids: &BTreeSet<T>, uuid: impl Fn(T) -> Uuid) -> Vec<Uuid> {
    ids.iter().map(|id| uuid(*id)).collect()
}

/// The referrals that have places in the settings that close, or an open offer of them, or see to
/// what would bring them in.
async fn occupiers(conn: &mut PgConnection, wanted: &Wanted, unit: &Unit) -> Result<Vec<i64>> {
    let closing: Vec<_> = wanted
        .closing
        .iter()
        .filter_map(|at| Some(unit.settings.get(at)?.key.0))
        .collect();
    if closing.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar!(
        r#"SELECT referral_key AS "key!" FROM occupancy
           WHERE setting_key = ANY ($1) AND supply_until IS NULL
           UNION SELECT referral_key FROM offer
             WHERE setting_key = ANY ($1) AND state IN ('proposed', 'approached', 'accepted')
           UNION SELECT condition.referral_key FROM condition JOIN offer USING (offer_id)
             WHERE outcome IS NULL AND setting_key = ANY ($1)"#,
        &closing
    )
    .fetch_all(conn)
    .await
    .sorted()
}

/// Locks the registers of the wanted settings, of which no other unit changes anything then.
async fn lock_registers(
    conn: &mut PgConnection,
    authorities: &BTreeSet<AuthorityCode>,
    unit: &mut Unit,
) -> Result<()> {
    if authorities.is_empty() {
        return Ok(());
    }
    if lock_known_registers(conn, authorities, unit).await? < authorities.len() {
        let names: Vec<_> = authorities.iter().map(AuthorityCode::as_str).collect();
        sqlx::query!(
            "INSERT INTO register (authority) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING",
            &names as &[&str]
        )
        .execute(&mut *conn)
        .await
        .sorted()?;
        lock_known_registers(conn, authorities, unit).await?;
    }
    Ok(())
}

async fn lock_known_registers(
    conn: &mut PgConnection,
    authorities: &BTreeSet<AuthorityCode>,
    unit: &mut Unit,
) -> Result<usize> {
    let names: Vec<_> = authorities.iter().map(AuthorityCode::as_str).collect();
    let rows = sqlx::query!(
        "SELECT authority, supply_version FROM register
         WHERE authority = ANY ($1) ORDER BY authority FOR UPDATE",
        &names as &[&str]
    )
    .fetch_all(conn)
    .await
    .sorted()?;
    for row in &rows {
        let authority = row::parse("register.authority", &row.authority)?;
        unit.supply
            .insert(authority, SupplyVersion(row.supply_version));
    }
    Ok(rows.len())
}

/// Loads settings; the lock of their register is theirs.
async fn load_settings(
    conn: &mut PgConnection,
    wanted: &BTreeSet<(AuthorityCode, SettingId)>,
    keys: &BTreeSet<i64>,
    unit: &mut Unit,
) -> Result<()> {
    if wanted.is_empty() && keys.is_empty() {
        return Ok(());
    }
    let (authorities, ids): (Vec<_>, Vec<_>) = wanted
        .iter()
        .map(|(authority, id)| (authority.as_str(), id.as_str()))
        .unzip();
    let rows = sqlx::query!(
        r#"SELECT authority AS "authority!", setting_id AS "setting_id!", found.key AS "key!",
           version AS "version!", open AS "open!", document
         FROM (
           SELECT key FROM unnest($1::text[], $2::text[]) AS w (authority, setting_id)
             CROSS JOIN LATERAL (SELECT key FROM setting
               WHERE setting.authority = w.authority AND setting.setting_id = w.setting_id
               LIMIT 1) AS named
           UNION SELECT unnest($3::bigint[])) AS wanted
         CROSS JOIN LATERAL (
           SELECT * FROM setting WHERE setting.key = wanted.key LIMIT 1) AS found"#,
        &authorities as &[&str],
        &ids as &[&str],
        &keys.iter().copied().collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await
    .sorted()?;
    for row in rows {
        let at = (
            row::parse("setting.authority", &row.authority)?,
            row::parse("setting.setting_id", &row.setting_id)?,
        );
        let head = SettingHead {
            key: SettingKey(row.key),
            version: row::whole("setting.version", row.version)?,
            open: row.open,
            setting: row.document.as_ref().map(row::setting).transpose()?,
        };
        unit.settings.insert(at, head);
    }
    Ok(())
}

/// Locks and loads referrals, those wanted by id and those wanted by key in one order.
async fn load_referrals(
    conn: &mut PgConnection,
    wanted: &Wanted,
    mut keys: BTreeSet<i64>,
    unit: &mut Unit,
) -> Result<HashMap<ReferralKey, Loaded>> {
    // A referral never changes its key, so this may look before the lock.
    keys.extend(look_up(conn, wanted, unit).await?);
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let loaded = lock_referrals(conn, &keys, unit).await?;
    // Whoever we waited for may have handled the same event.
    look_up(conn, wanted, unit).await?;
    Ok(loaded)
}

/// Looks up what is asked by name: the keys of referrals, which it returns, which events were
/// handled, and the versions of the supply of the referrals' authorities.
async fn look_up(conn: &mut PgConnection, wanted: &Wanted, unit: &mut Unit) -> Result<Vec<i64>> {
    let found = unit.referrals.values().map(|head| head.authority);
    let asked = wanted.referrals.iter().map(|(authority, _)| *authority);
    let supplies: BTreeSet<_> = found.chain(asked).collect();
    if supplies.is_empty() && wanted.events.is_empty() {
        return Ok(Vec::new());
    }
    let (authorities, referrals): (Vec<_>, Vec<_>) = wanted
        .referrals
        .iter()
        .map(|(authority, id)| (authority.as_str(), id.as_str()))
        .unzip();
    let (sources, events): (Vec<_>, Vec<_>) = wanted
        .events
        .iter()
        .map(|event| (event.source.as_ref(), event.id.as_ref()))
        .unzip();
    let rows = sqlx::query!(
        "SELECT key, NULL AS source, NULL AS event_id, NULL AS authority,
             NULL::bigint AS supply_version
           FROM unnest((SELECT $1::text[]), (SELECT $2::text[])) AS w (authority, referral_id)
           CROSS JOIN LATERAL (SELECT key FROM referral
             WHERE referral.authority = w.authority AND referral.referral_id = w.referral_id
             LIMIT 1) AS known
         UNION ALL
         SELECT NULL, source, event_id, NULL, NULL
           FROM unnest((SELECT $3::text[]), (SELECT $4::text[])) AS w (source, event_id)
           CROSS JOIN LATERAL (SELECT FROM inbox
             WHERE inbox.source = w.source AND inbox.event_id = w.event_id LIMIT 1) AS handled
         UNION ALL
         SELECT NULL, NULL, NULL, authority, supply_version
           FROM unnest((SELECT $5::text[])) AS w (authority)
           CROSS JOIN LATERAL (SELECT supply_version FROM register
             WHERE register.authority = w.authority LIMIT 1) AS register",
        &authorities as &[&str],
        &referrals as &[&str],
        &sources as &[&str],
        &events as &[&str],
        &supplies
            .iter()
            .map(AuthorityCode::as_str)
            .collect::<Vec<_>>() as &[&str],
    )
    .fetch_all(conn)
    .await
    .sorted()?;
    // An authority whose register has never been heard of has an empty one.
    for authority in supplies {
        unit.supply.entry(authority).or_default();
    }
    let mut keys = Vec::new();
    for row in rows {
        keys.extend(row.key);
        if let (Some(source), Some(id)) = (row.source, row.event_id) {
            unit.seen.insert(EventKey {
                source: source.into(),
                id: id.into(),
            });
        }
        if let (Some(authority), Some(version)) = (row.authority, row.supply_version) {
            let authority = row::parse("register.authority", &authority)?;
            unit.supply.insert(authority, SupplyVersion(version));
        }
    }
    Ok(keys)
}

async fn lock_referrals(
    conn: &mut PgConnection,
    keys: &BTreeSet<i64>,
    unit: &mut Unit,
) -> Result<HashMap<ReferralKey, Loaded>> {
    let mut loaded = HashMap::new();
    let rows = sqlx::query!(
        r#"SELECT authority AS "authority!", referral_id AS "referral_id!", locked.key AS "key!",
           revision AS "revision!", content AS "content!", state AS "state!",
           received_at AS "received_at!", run_id, run_revision, run_digest, evaluated_version,
           data_key, audit_seq AS "audit_seq!", audit_hash AS "audit_hash!"
         FROM (SELECT key FROM unnest((SELECT $1::bigint[])) AS w (key) ORDER BY key) AS wanted
         CROSS JOIN LATERAL (
           SELECT * FROM referral WHERE referral.key = wanted.key LIMIT 1 FOR UPDATE) AS locked"#,
        &keys.iter().copied().collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await
    .sorted()?;
    for row in rows {
        let run = match (row.run_id, row.run_revision, row.run_digest) {
            (Some(run_id), Some(revision), Some(digest)) => Some(RunHead {
                run_id: RunId::from_uuid(run_id),
                revision: row::whole("referral.run_revision", revision)?,
                digest: u128::from_be_bytes(row::bytes("referral.run_digest", &digest)?),
            }),
            _ => None,
        };
        let head = ReferralHead {
            key: ReferralKey(row.key),
            authority: row::parse("referral.authority", &row.authority)?,
            referral_id: row::parse("referral.referral_id", &row.referral_id)?,
            revision: row::whole("referral.revision", row.revision)?,
            content: row::bytes("referral.content", &row.content)?,
            state: row::parse("referral.state", &row.state)?,
            run,
            evaluated: row.evaluated_version.map(SupplyVersion),
            received_at: row.received_at,
            referral: None,
        };
        let chain = ChainEnd {
            seq: row.audit_seq,
            hash: row::bytes("referral.audit_hash", &row.audit_hash)?,
        };
        loaded.insert(
            head.key,
            Loaded {
                chain,
                data_key: row.data_key,
            },
        );
        unit.referrals
            .insert((head.authority, head.referral_id.clone()), head);
    }
    Ok(loaded)
}

/// Loads who has places: in the settings, for the referrals, and the referrals' children wherever
/// they are; and the holds that are asked for.
async fn load_occupancies(
    conn: &mut PgConnection,
    wanted: &Wanted,
    told: &BTreeSet<ReferralKey>,
    unit: &mut Unit,
) -> Result<()> {
    let heads = unit.referrals.values();
    let heads = heads.filter(|head| told.contains(&head.key));
    let children = heads.flat_map(|head| {
        let children = head.referral.iter().flat_map(|it| &it.children);
        children.map(|child| (head.authority.as_str(), child.child_id.as_str()))
    });
    let (authorities, children): (Vec<_>, Vec<_>) = children.unzip();
    let which = occupancy::Which {
        referrals: told.iter().map(|key| key.0).collect(),
        settings: unit.settings.values().map(|head| head.key.0).collect(),
        authorities,
        children,
        holds: uuids(&wanted.holds, HoldId::into_uuid),
    };
    if which.referrals.is_empty() && which.settings.is_empty() && which.holds.is_empty() {
        return Ok(());
    }
    let found = occupancy::find(conn, &which).await?;
    unit.occupancies
        .extend(found.into_iter().map(|it| (it.hold_id, it)));
    Ok(())
}

/// Loads the referrals' current revisions, without what is told in words: no step needs that.
async fn load_documents(conn: &mut PgConnection, unit: &mut Unit) -> Result<()> {
    let (keys, revisions): (Vec<_>, Vec<_>) = unit
        .referrals
        .values()
        .filter(|head| head.revision > 0)
        .map(|head| (head.key.0, head.revision.cast_signed()))
        .unzip();
    if keys.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query!(
        r#"SELECT w.key AS "key!", document AS "document!"
         FROM unnest((SELECT $1::bigint[]), (SELECT $2::bigint[])) AS w (key, revision)
         CROSS JOIN LATERAL (SELECT document FROM referral_revision AS stored
           WHERE stored.key = w.key AND stored.revision = w.revision LIMIT 1) AS current"#,
        &keys,
        &revisions,
    )
    .fetch_all(conn)
    .await
    .sorted()?;
    let mut documents = HashMap::new();
    for row in rows {
        documents.insert(ReferralKey(row.key), row::referral(&row.document)?);
    }
    for head in unit.referrals.values_mut() {
        head.referral = documents.remove(&head.key);
    }
    Ok(())
}
